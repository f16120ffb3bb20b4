import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Dashboard, type Panel, renderDashboard } from "./dashboard.ts";
import { dashboards } from "./dashboards.ts";

interface Placed {
  readonly id: number;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
}

const placed = (dashboard: Dashboard) => renderDashboard(dashboard).panels as Placed[];

/** Whether two panels cover a common place. */
function overlap({ gridPos: a }: Placed, { gridPos: b }: Placed): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

test("panels are within the width, apart from each other, and have ids of their own, whatever the rows", () => {
  const panel = fc.constantFrom("timeseries", "stat").map(
    (kind): Panel => ({
      title: "x",
      description: "x",
      kind: kind as Panel["kind"],
      unit: "s",
      queries: [{ expr: "x", legend: "x" }],
    }),
  );
  const row = fc.record({ title: fc.constant("row"), panels: fc.array(panel, { minLength: 1, maxLength: 6 }) });
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 5 }), (rows) => {
      const panels = placed({ uid: "u", title: "t", roles: ".*", rows });
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
      for (const [index, one] of panels.entries()) {
        expect(one.gridPos.x + one.gridPos.w).toBeLessThanOrEqual(24);
        for (const other of panels.slice(index + 1)) expect(overlap(one, other)).toBe(false);
      }
    }),
  );
});

describe.each(dashboards)("$title", (dashboard) => {
  test("every panel says what it shows, and asks for what was chosen", () => {
    for (const { title, description, queries } of dashboard.rows.flatMap(({ panels }) => panels)) {
      expect(description.length, title).toBeGreaterThan(10);
      for (const { expr } of queries) expect(expr, title).toContain('namespace=~"$namespace"');
    }
  });
});

test("dashboards have uids and titles of their own", () => {
  expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(dashboards.length);
  expect(new Set(dashboards.map(({ title }) => title)).size).toBe(dashboards.length);
});
