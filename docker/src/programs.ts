/** A program of this repository that is shipped as a bundle. */
export interface Program {
  /** Of the command, the bundle's folder, and the image. */
  readonly name: string;
  /** Folder of its package, from the top of the repository. */
  readonly folder: string;
  /** Folders of the package that the bundle reads at run time; they are copied beside it. */
  readonly assets?: readonly string[];
  /** Programs whose packages are put into its `node_modules`, where it looks for them. */
  readonly brings?: readonly string[];
  /** From the folder `docker`. */
  readonly dockerfile: string;
}

const dockerfile = 'connector.Dockerfile';

/** The programs, those first that others bring. */
export const programs: readonly Program[] = [
  { name: 'source-stripe', folder: 'connectors/source-stripe', dockerfile },
  { name: 'destination-postgres', folder: 'connectors/destination-postgres', dockerfile },
  {
    name: 'penstock',
    folder: 'engine',
    assets: ['migrations'],
    brings: ['source-stripe', 'destination-postgres'],
    dockerfile: 'engine.Dockerfile',
  },
  { name: 'stripe-simulator', folder: 'e2e/stripe-simulator', dockerfile },
];
