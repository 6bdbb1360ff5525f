// Adds up the JSON reports of the test runs and prints the closing line. A file that failed without a failed test (it could not be
// loaded, a hook failed) counts as one failure, and so does a step that failed without either (a type error, a crash of the
// runner), so that the line can never say less than what happened.
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
  failed += result.numFailedTests + result.testResults.filter(failedByItself).length;
}
if (failed === 0) failed = Number(failedSteps);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

function failedByItself(file) {
  return file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed');
}
