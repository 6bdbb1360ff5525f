import { describe, expect, it } from 'vitest';
import { connectDocker } from './client.ts';
import { dockerAddress, dockerError } from './docker-error.ts';
import { withTag } from './image.ts';

function refusal(statusCode: number, message: string): Error {
  return Object.assign(new Error(`(HTTP code ${statusCode}) server error - ${message} `), {
    statusCode,
    json: { message },
  });
}

function failed(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

describe('what Docker answers', () => {
  it.each([
    [
      failed('ENOENT', 'connect ENOENT /x.sock'),
      "unreachable Docker can't be reached at /x.sock: connect ENOENT /x.sock. Start it",
    ],
    [failed('ECONNREFUSED', 'connect ECONNREFUSED'), "unreachable Docker can't be reached"],
    [
      Object.assign(new Error('too long'), { name: 'TimeoutError' }),
      'unreachable source/a: Docker at /x.sock has not answered in time. Look at',
    ],
    [
      refusal(500, 'error mounting "proc" to rootfs: permission denied: unknown'),
      'connector_failed source/a: Docker failed: error mounting',
    ],
    [
      failed('EACCES', 'connect EACCES /x.sock'),
      "permission_missing Docker's socket /x.sock may not be used by this user. Add the user",
    ],
    [refusal(404, 'network a not found'), 'config_invalid source/a: Docker has no network "a".'],
    [refusal(400, 'No command specified'), 'connector_not_found source/a: its image has no entrypoint'],
    [
      refusal(400, 'exec: "x": stat x: no such file or directory: unknown'),
      "connector_not_found source/a: the program of its image can't be started: exec",
    ],
    [
      refusal(400, 'Minimum memory limit allowed is 6MB'),
      'config_invalid source/a: Docker refused: Minimum memory limit allowed is 6MB.',
    ],
    [
      refusal(500, 'no space left on device'),
      "connector_failed source/a: Docker failed: no space left on device. Docker's log",
    ],
  ])('%s becomes %s', (error, expected) => {
    const { code, text } = dockerError('source/a', '/x.sock', error);
    expect(`${code} ${text}`).toContain(expected);
  });
});

describe('the address of Docker', () => {
  it('is the socket, or the host with its port', () => {
    expect(dockerAddress(connectDocker({ socketPath: '/x.sock' }))).toBe('/x.sock');
    expect(dockerAddress(connectDocker({ host: 'build.example', port: 2375 }))).toBe('build.example:2375');
  });
});

describe('an image without a tag', () => {
  it('is the latest one, as everywhere else', () => {
    expect(['a', 'r:5000/a', 'a:1', 'r:5000/a:1', 'a@sha256:ab'].map(withTag)).toEqual([
      ...['a:latest', 'r:5000/a:latest', 'a:1', 'r:5000/a:1', 'a@sha256:ab'],
    ]);
  });
});
