// Which features of pages some mail readers lack, by the data of caniemail. Standard input: JSON list of paths.
import { readFileSync } from "node:fs";
import { caniemail, rawData } from "caniemail";

// Where nobody tested a feature in a reader, the library gives up; here such a gap says nothing.
const readers = rawData.data.flatMap(({ stats }) => Object.entries(stats).flatMap(
  ([family, platforms]) => Object.keys(platforms).map((platform) => [family, platform])));
for (const { stats } of rawData.data) {
  for (const [family, platform] of readers) {
    (stats[family] ??= {})[platform] ??= { untested: "y" };
  }
}

const found = {};
for (const path of JSON.parse(readFileSync(0, "utf8"))) {
  const { issues } = caniemail({ clients: ["*"], html: readFileSync(path, "utf8") });
  for (const kind of ["errors", "warnings"]) {
    for (const [client, list] of issues[kind]) {
      for (const { title } of list) {
        ((found[title] ??= {})[kind] ??= new Set()).add(client);
      }
    }
  }
}
console.log(JSON.stringify(found, (_, value) => (value instanceof Set ? [...value].sort() : value)));
