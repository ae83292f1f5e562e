// The words that tell apart the changes of two lists, also of two projects.
import { expect, it } from "vitest";

import { listWords, whereOf } from "./where.ts";

const KNOWN = { webhooks: [{ id: "wh_1", name: "Billing" }], zone: "utc" } as const;

it("a list is called by its filters, whatever its statuses and what is open", () => {
	const words = listWords({ type: "order.*,user.made", webhook: "wh_1", status: "Failed", open: "dlv_1" }, KNOWN);
	expect(words).toBe("Event type order.*, user.made; Webhook Billing");
	expect(listWords({ status: "Failed" }, KNOWN)).toBe("");
});

it("a change is said to be of another project only if that is not the one that is shown", () => {
	const shown = { projectId: "prj_1", projects: [{ id: "prj_2", name: "Shop" }] };
	const listName = "Customer acme";
	expect(whereOf({ projectId: "prj_1", listName }, shown)).toBe("Customer acme");
	expect(whereOf({ projectId: "prj_2", listName }, shown)).toBe("Project Shop; Customer acme");
	expect(whereOf({ projectId: "prj_2", listName: "" }, shown)).toBe("Project Shop");
	expect(whereOf({ projectId: "prj_3", listName }, shown)).toBe("Project prj_3; Customer acme");
	expect(whereOf({ projectId: "prj_1", listName: "" }, shown)).toBe("");
});
