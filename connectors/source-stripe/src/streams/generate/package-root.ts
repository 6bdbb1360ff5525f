import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of the `stripe` package. It exports its entry only, which lies in a folder of its root. */
export const stripePackage = dirname(dirname(fileURLToPath(import.meta.resolve('stripe'))));
