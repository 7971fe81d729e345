#!/usr/bin/env node
const { main } = await import("../builder/cli.js").catch((error) => {
  if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
  console.error(`socklet-guest: what it builds with is missing: npm install (${error.message})`);
  process.exit(1);
});

process.exitCode = await main(process.argv.slice(2));
