import { expect, it } from 'vitest';
import { describeLabels, isConnector } from './labels.ts';

const packageJson = { version: '1.2.3', description: 'Reads things', license: 'MIT' };

it('names what the OCI image specification wants to know', () => {
  const described = { name: 'penstock', packageJson, revision: 'f00d', created: '2026-01-02T03:04:05Z' };
  expect(describeLabels(described)).toEqual({
    'org.opencontainers.image.title': 'penstock',
    'org.opencontainers.image.description': 'Reads things',
    'org.opencontainers.image.version': '1.2.3',
    'org.opencontainers.image.licenses': 'MIT',
    'org.opencontainers.image.revision': 'f00d',
    'org.opencontainers.image.created': '2026-01-02T03:04:05Z',
  });
});

it('leaves the revision out where there is no repository', () => {
  const labels = describeLabels({ name: 'penstock', packageJson, revision: undefined, created: undefined });
  expect(Object.keys(labels).filter((key) => /revision|created/.test(key))).toEqual([]);
});

it.each([
  ['source-stripe', { name: 'stripe', type: 'source', protocol_version: 7 }],
  ['destination-big-query', { name: 'big-query', type: 'destination', protocol_version: 7 }],
])('says of %s which connector it is, with the protocol version of its spec', (name, label) => {
  const labels = describeLabels({ name, packageJson, spec: { spec: { protocol_version: 7 } } });
  expect(JSON.parse(labels['penstock.connector']!)).toEqual(label);
});

it('takes for a connector only what is named like one', () => {
  const names = [
    'source-stripe',
    'destination-postgres',
    'penstock',
    'stripe-simulator',
    'source',
    'source-',
    'resource-x',
  ];
  expect(names.filter((name) => isConnector({ name }))).toEqual(['source-stripe', 'destination-postgres']);
});
