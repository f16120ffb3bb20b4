import { expect, test } from "vitest";
import { labelsIn, metricsIn, usesOf } from "./metric-uses.ts";

test("metrics, their selectors and groupings are found; functions, durations, words and texts are not", () => {
  expect(
    usesOf(
      'histogram_quantile(0.99, sum by (node, le) (rate(a_bucket{type="by (x)", node=~"$node"}[5m]))) > 1e3 or b unless on (pod) c{}',
    ),
  ).toEqual({
    metrics: [
      { metric: "a_bucket", labels: ["type", "node"] },
      { metric: "b", labels: [] },
      { metric: "c", labels: [] },
    ],
    grouping: ["node", "le", "pod"],
  });
  expect(usesOf("0 * x:y:z offset 5m and bool")).toEqual({ metrics: [{ metric: "x:y:z", labels: [] }], grouping: [] });
  expect(usesOf("rate(m[$__rate_interval]) - (n - time()) / 86400").metrics.map(({ metric }) => metric)).toEqual([
    "m",
    "n",
  ]);
});

test("labels in texts and expositions", () => {
  expect(labelsIn("{{ $labels.role }} and {{ $value | humanize }}")).toEqual(["role"]);
  expect(labelsIn("{{node}} p99")).toEqual(["node"]);
  const metrics = metricsIn('# TYPE a histogram\na_bucket{le="1",x="y"} 2\n# TYPE b counter\nb 1\n# TYPE c gauge\n');
  expect(Object.fromEntries([...metrics].map(([name, labels]) => [name, [...labels]]))).toEqual({
    a_bucket: ["le", "x"],
    a_sum: [],
    a_count: [],
    b: [],
    c: [],
  });
});
