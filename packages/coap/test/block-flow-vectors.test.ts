/**
 * The block-flow vectors, played against the responder. Their block size of 5 is artificial, so here every block but
 * the last is stretched to 16 bytes; the numbers, the repetitions and the course of events stay.
 */
import { describe, it } from 'node:test';
import { Codes, play, type Step } from './script.ts';
import { title, vectorsOf } from './vectors.ts';

describe('block-wise transfers of vectors.json (RFC 7959 §2.3)', () => {
  for (const vector of vectorsOf('block-flow')) {
    const steps = vector.expected.steps!;
    it(title(vector), () => {
      play(
        steps.flatMap(({ payload, num, more, status }, index): Step[] => {
          const block = `Block1=${num}/${more ? 1 : 0}/16`;
          const id = `00${index + 10}`;
          const last = `"${payload}"`;
          const arrives = `< CON PUT ${id} Path=1 ${block} ${more ? '*16:a' : last}`;
          switch (status) {
            case '2.31':
              return [arrives, `> ACK 2.31 ${id} ${block}`];
            case 'done':
              return [
                arrives,
                `! request PUT /1 *${16 + payload.length}:a`,
                (p) => p.answer(Codes.changed),
                `> ACK 2.04 ${id} ${block}`,
              ];
            case 'retransmission':
              return [arrives, `> ACK 2.04 ${id} ${block}`];
          }
        }),
      );
    });
  }
});
