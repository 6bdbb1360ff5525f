/** A program of this repository that is shipped as one bundled file. */
export interface Program {
  /** Of the command, the bundle's folder, and the image. */
  readonly name: string;
  /** Folder of its package, from the top of the repository. */
  readonly folder: string;
  /** Folders of the package that the bundle reads at run time; they are copied beside it. */
  readonly assets?: readonly string[];
}

/** The programs, in the order in which they are built. */
export const programs: readonly Program[] = [
  { name: 'source-stripe', folder: 'connectors/source-stripe' },
  { name: 'destination-postgres', folder: 'connectors/destination-postgres' },
  { name: 'penstock', folder: 'engine', assets: ['migrations'] },
  { name: 'stripe-simulator', folder: 'e2e/stripe-simulator' },
];
