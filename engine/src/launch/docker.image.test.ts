import { afterAll, beforeAll, describe } from 'vitest';
import { describeConnector } from './testing/connector-contract.ts';
import { ScriptImage } from './testing/script-image.ts';

let image: ScriptImage;
beforeAll(async () => {
  image = await ScriptImage.build('contract');
});
afterAll(() => image.remove());

describe('a connector that is an image', () => {
  describeConnector((code) => image.connector(code));
});
