/**
 * Loaded before a program that is process 1 of a container, which no signal ends that it does not handle: until the program
 * handles SIGTERM and SIGINT itself, they end it here.
 */
import { constants } from "node:os";

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => {
    if (process.listenerCount(signal) === 1) process.exit(128 + constants.signals[signal]);
  });
}
