// What the BSI's CSAF library finds wrong with security files: schema, mandatory and optional tests. Input: paths.
import { readFileSync } from "node:fs";
import validate from "@secvisogram/csaf-validator-lib/validate.js";
import * as schema from "@secvisogram/csaf-validator-lib/schemaTests.js";
import * as mandatory from "@secvisogram/csaf-validator-lib/mandatoryTests.js";
import * as optional from "@secvisogram/csaf-validator-lib/optionalTests.js";

const tests = [schema.csaf_2_0_strict ?? schema.csaf_2_0, ...Object.values(mandatory), ...Object.values(optional)];
const found = [];
for (const path of JSON.parse(readFileSync(0, "utf8"))) {
  const report = await validate(tests, JSON.parse(readFileSync(path, "utf8")));
  found.push({
    valid: report.isValid, tests: report.tests.length,
    errors: report.tests.flatMap(({ name, errors }) => errors.map((one) => `${name} ${one.instancePath}: ${one.message}`)),
    warnings: report.tests.flatMap(({ name, warnings }) => warnings.map(
      (one) => `${name} ${one.instancePath}: ${one.message}`)),
  });
}
console.log(JSON.stringify(found));
