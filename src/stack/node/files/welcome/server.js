'use strict';
const { createServer } = require('node:http');
const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const file = join(process.env.DATA_DIR, 'visits');

function visits() {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return 0;
  }
}

createServer((request, response) => {
  const count = visits() + 1;
  writeFileSync(file, String(count));
  response.setHeader('content-type', 'text/html; charset=utf-8');
  response.end(`<!doctype html><title>It works</title><h1>It works</h1><p>Node ${process.versions.node}, visit ${count}.</p>\n`);
}).listen(process.env.PORT);
