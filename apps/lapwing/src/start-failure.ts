/** Why the server does not start: one sentence for the person who started it, naming the option that changes it. */
export class StartFailure extends Error {
  override get name(): string {
    return 'StartFailure';
  }
}
