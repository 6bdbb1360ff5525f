/** Stands in a bundle for a package that is imported for something that is never asked of it; see bundle.ts. */
export default undefined;
