/** What Stripe writes of a property that is a time in whole seconds, also where it gives no format. */
export const SECONDS_DOC = /in seconds since the unix epoch/i;
/** What Stripe writes of the few times in milliseconds: taken for seconds, they would be in the far future. */
export const MILLISECONDS_DOC = /in milliseconds/i;
