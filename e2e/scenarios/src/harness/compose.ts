import { runShell, type ShellResult } from './shell.ts';

/**
 * The bash command that has compose do something: the older program, where both are there.
 *
 * @param files compose files, of which later ones add to earlier ones
 */
export function composeCommand(project: string, files: readonly string[], args: string): string {
  const flags = `--project-name ${project} ${files.map((file) => `--file ${file}`).join(' ')} ${args}`;
  return `if command -v docker-compose > /dev/null; then docker-compose ${flags}; else docker compose ${flags}; fi`;
}

/** A compose project, under a name of its own. */
export interface ComposeProject {
  /** Runs `docker-compose ARGUMENTS` with the project's files; see composeCommand. */
  run(args: string): Promise<ShellResult>;
  /** Host and port at which a published port of a service is reached from here. */
  address(service: string, port: number): Promise<string>;
  /** Containers, volumes and networks that are there because of it. */
  leftovers(): Promise<string[]>;
}

/** @param folder where the commands run */
export function composeProject(name: string, files: readonly string[], folder: string): ComposeProject {
  const run = (args: string) => runShell(composeCommand(name, files, args), folder);
  return {
    run,
    address: async (service, port) => (await run(`port ${service} ${port}`)).stdout.trim(),
    leftovers: async () => {
      const label = `--filter label=com.docker.compose.project=${name}`;
      const { output } = await runShell(
        `docker ps --all --quiet ${label}; docker volume ls --quiet ${label}; docker network ls --quiet ${label}`,
        folder,
      );
      return output.split('\n').filter((line) => line !== '');
    },
  };
}
