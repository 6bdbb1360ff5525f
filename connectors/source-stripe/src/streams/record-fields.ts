/** What the records carry beside the object: whose it is, and a second for which its content is surely true. */
export const ACCOUNT_ID_FIELD = '_account_id';
/** See {@link ACCOUNT_ID_FIELD}. */
export const AS_OF_FIELD = '_as_of';
/** In the records of a list under a parent: the parent's id, since ids of such objects may be unique under it only. */
export const PARENT_ID_FIELD = '_parent_id';
