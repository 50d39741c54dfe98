import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // A machine that others use too may stop for seconds at any moment. `npm test` names each test that needed its second try at its end.
    projects: [
      // No test is about time; a machine may be busy with something else.
      { test: { name: 'unit', include: ['src/**/*.test.ts'], environment: 'node', retry: 1, testTimeout: 120_000 } },
      {
        test: {
          name: 'real',
          include: ['test/**/*.test.ts'],
          environment: 'node',
          // Real containers on few cores: each file has a platform of its own, and much of a test is waiting.
          maxWorkers: 2,
          retry: 1,
          testTimeout: 600_000,
          hookTimeout: 1_800_000,
        },
      },
    ],
  },
});
