/** Stands in a bundle for a package that is imported only while its users debug their own code. */
export default undefined;
