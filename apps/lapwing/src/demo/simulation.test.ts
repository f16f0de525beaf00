import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { energyUsed, type LampState, onTimeSeconds, switched, withOnTime } from './light.ts';
import { noise } from './noise.ts';
import { positionAt } from './tracker.ts';
import { humidityAt, temperatureAt } from './weather-station.ts';

const AT = Date.UTC(2026, 5, 1);

describe('noise', () => {
  it('is the same for the same seed and position, within [-1, 1], and glides', () => {
    let mean = 0;
    for (let i = 0; i < 10_000; i++) {
      const value = noise(7, i / 10);
      assert.equal(value, noise(7, i / 10));
      assert.ok(Math.abs(value) <= 1);
      assert.ok(Math.abs(noise(7, i / 10 + 0.01) - value) < 0.05);
      mean += value / 10_000;
    }
    assert.ok(Math.abs(mean) < 0.1, `mean ${mean}`);
    assert.notEqual(noise(7, 0.5), noise(8, 0.5));
  });
});

describe('the simulated weather', () => {
  it('moves within a minute and stays plausible over a year', () => {
    const minute = new Set(Array.from({ length: 30 }, (_, i) => temperatureAt(AT + i * 2000)));
    assert.ok(minute.size > 3, `${minute.size} different temperatures`);
    for (let hour = 0; hour < 365 * 24; hour++) {
      const now = AT + hour * 3_600_000;
      assert.ok(temperatureAt(now) > -10 && temperatureAt(now) < 40);
      assert.ok(humidityAt(now) >= 5 && humidityAt(now) <= 100);
    }
  });
});

describe('the simulated boat', () => {
  it('moves at the speed it tells, without jumps, round after round', () => {
    for (let second = 0; second < 20_000; second += 10) {
      const [from, to] = [positionAt(AT + second * 1000), positionAt(AT + (second + 10) * 1000)];
      const north = (to.latitude - from.latitude) * 111_320;
      const east = (to.longitude - from.longitude) * 111_320 * Math.cos((from.latitude * Math.PI) / 180);
      const metres = Math.hypot(north, east);
      assert.ok(metres > 30 && metres < 90, `${metres} m in 10 s`);
      assert.ok(from.speed > 4 && from.speed < 8);
    }
  });
});

describe('the simulated light', () => {
  const off: LampState = { on: false, dimmer: 50, since: AT, litBefore: 0, usedBefore: 0 };
  const hour = 3_600_000;

  it('counts its on-time and its energy while it is on, by how bright it is', () => {
    const on = switched(off, { on: true }, AT + hour);
    assert.equal(onTimeSeconds(on, AT + 3 * hour), 7200);
    assert.equal(energyUsed(on, AT + 3 * hour), 9);
    const dimmed = switched(on, { dimmer: 100 }, AT + 3 * hour);
    assert.equal(energyUsed(dimmed, AT + 4 * hour), 18);
    const offAgain = switched(dimmed, { on: false }, AT + 4 * hour);
    assert.equal(onTimeSeconds(offAgain, AT + 9 * hour), 3 * 3600);
    assert.equal(energyUsed(offAgain, AT + 9 * hour), 18);
  });

  it('starts its on-time anew when that is written', () => {
    const on = switched(off, { on: true }, AT);
    const reset = withOnTime(on, 0, AT + hour);
    assert.equal(onTimeSeconds(reset, AT + hour + 5000), 5);
    assert.equal(energyUsed(reset, AT + hour), 4.5);
  });
});
