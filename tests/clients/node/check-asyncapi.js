// Reads an AsyncAPI document with the official parser. Usage: node check-asyncapi.js FILE
// Errors end with status 1; warnings are printed.

import { readFile } from "node:fs/promises";
import { DiagnosticSeverity } from "@stoplight/types";
import asyncapi from "@asyncapi/parser";

const file = process.argv[2];
const text = await readFile(file, "utf8");
const { document, diagnostics } = await new asyncapi.Parser().parse(text, { source: file });

// Where an instance is found more than once, one line says how often.
const lines = new Map();
for (const found of diagnostics) {
  const severity = DiagnosticSeverity[found.severity].toLowerCase();
  const line = `${severity}: ${found.message} (${found.code})`;
  const seen = lines.get(line) ?? { count: 0, first: found.path.join("/") };
  lines.set(line, { ...seen, count: seen.count + 1 });
}
for (const [line, { count, first }] of lines) {
  console.log(`${line}, first at ${first}${count > 1 ? `, ${count} times` : ""}`);
}
const failed = diagnostics.some((found) => found.severity === DiagnosticSeverity.Error);
if (failed || !document) process.exit(1);
console.log(
  `${document.operations().length} operations, ${document.channels().length} channels, ` +
    `${document.schemas().length} schemas`,
);
