import { runShell, type ShellResult } from './shell.ts';

/** A compose project, under a name of its own. */
export interface ComposeProject {
  /** Runs `docker-compose ARGUMENTS` with the project's files; the older one, where there are both. */
  run(args: string): Promise<ShellResult>;
  /** Host and port at which a published port of a service is reached from here. */
  address(service: string, port: number): Promise<string>;
  /** Containers, volumes and networks that are there because of it. */
  leftovers(): Promise<string[]>;
}

/**
 * @param files compose files, of which later ones add to earlier ones
 * @param folder where the commands run
 */
export function composeProject(
  name: string,
  files: readonly string[],
  folder: string,
  env: Record<string, string> = {},
): ComposeProject {
  const flags = `--project-name ${name} ${files.map((file) => `--file ${file}`).join(' ')}`;
  const run = (args: string) =>
    runShell(
      `if command -v docker-compose > /dev/null; then docker-compose ${flags} ${args}; else docker compose ${flags} ${args}; fi`,
      folder,
      env,
    );
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
