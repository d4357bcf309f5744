#!/usr/bin/env node
'use strict';
/**
 * What Jest's reports (`--json --outputFile`) say, over several of them:
 *   results.js failed <report>               the files with a failure, a line each, as paths under the project
 *   results.js count <steps> <report>...     "N passed, N failed"; exits with 1 unless tests passed and nothing failed
 * A later report is the last word on the files that it has. A file that could not start is one failure,
 * and so is a report that is missing; failed steps of CI are one where no test failed.
 */
const { readFileSync } = require('node:fs');
const { relative } = require('node:path');

const read = (file) => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).testResults;
  } catch {
    return null;
  }
};

const withStatus = (suite, status) =>
  suite.assertionResults.filter((test) => test.status === status).length;

const failures = (suite) =>
  Math.max(withStatus(suite, 'failed'), suite.status === 'failed' ? 1 : 0);

const [verb, ...given] = process.argv.slice(2);
if (verb === 'failed') {
  const suites = read(given[0]) ?? [];
  for (const suite of suites.filter(failures)) console.log(relative(process.cwd(), suite.name));
} else {
  const [steps, ...files] = given;
  const reports = files.map(read);
  const suites = new Map(reports.flatMap((all) => all ?? []).map((suite) => [suite.name, suite]));
  let passed = 0;
  let failed = reports.filter((all) => all === null).length;
  for (const suite of suites.values()) {
    passed += withStatus(suite, 'passed');
    failed += failures(suite);
  }
  if (failed === 0 && Number(steps) > 0) failed = 1;
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = passed > 0 && failed === 0 ? 0 : 1;
}
