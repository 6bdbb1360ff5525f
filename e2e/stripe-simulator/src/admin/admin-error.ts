/** A request that can't be done: answered with 400 and this message. */
export class AdminError extends Error {}
