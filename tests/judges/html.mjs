// What html-validate says of pages, by the rules of html-rules.json. Standard input: JSON list of paths.
import { readFileSync } from "node:fs";
import { HtmlValidate } from "html-validate";

const judge = new HtmlValidate(JSON.parse(readFileSync(new URL("html-rules.json", import.meta.url), "utf8")));
const found = [];
for (const path of JSON.parse(readFileSync(0, "utf8"))) {
  const report = await judge.validateString(readFileSync(path, "utf8"));
  found.push(report.results.flatMap(({ messages }) => messages.map(
    ({ ruleId, message, line, selector }) => `${line} ${ruleId}: ${message} ${selector ?? ""}`)));
}
console.log(JSON.stringify(found));
