// Adds up the JSON reports of the test runs and prints the closing line. A step that failed without a failed test (a type
// error, a crash of the runner) counts as one failure, so that the line can never say less than what happened.
import { readFileSync } from 'node:fs';

const [failedSteps, ...reports] = process.argv.slice(2);
let passed = 0;
let failed = 0;
for (const report of reports) {
  let result;
  try {
    result = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    continue;
  }
  passed += result.numPassedTests;
  failed += result.numFailedTests;
}
if (failed === 0) failed = Number(failedSteps);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
