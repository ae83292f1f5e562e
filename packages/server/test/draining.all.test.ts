// Processes of one database that are stopped, one after the other, as in a rolling upgrade: nothing is lost, and nothing is repeated.
import { eventually } from "@fanfare/testkit/eventually";
import { postgresIssue, startPostgres } from "@fanfare/testkit/programs/postgres";
import { startReceiver } from "@fanfare/testkit/receiver";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { describe, expect, it } from "vitest";

const WEBHOOKS = 12;
const ROUND = 30;

describe.skipIf(postgresIssue() !== null)("a process that gets SIGTERM", () => {
	it("hands its work to the others first, while they accept, and so does each one of a rolling restart", async () => {
		await using postgres = await startPostgres();
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 200, delayMs: 20 }));
		const env = {
			FANFARE_DATABASE_URL: await postgres.createDatabase(),
			FANFARE_MASTER_KEY: "0123456789abcdef".repeat(4),
			FANFARE_ADMIN_KEY: `sk_${"a".repeat(43)}`,
		};
		await using one = await startServerProcess({ env });
		await using other = await startServerProcess({ env });
		for (let index = 0; index < WEBHOOKS; index++) await one.createWebhook(`${receiver.url}/${index}`);
		const shares = async (asked: ServerProcess) =>
			(await asked.client.getStatus()).members?.filter(({ state }) => state === "live").map(({ shards }) => shards);
		const isShared = (asked: ServerProcess) =>
			eventually("both have their share", async () => String(await shares(asked)) === "128,128");
		await isShared(one);

		const accepted = new Set<string>();
		let sender = one;
		const sending = { isOn: true };
		const sends = (async () => {
			while (sending.isOn) accepted.add((await sender.project.events.send({ type: "order.paid", data: 1 })).id);
		})();
		const more = async () => {
			const before = accepted.size;
			await eventually("more events are accepted", () => accepted.size >= before + ROUND);
		};
		for (const [leaving, staying] of [
			[other, one],
			[one, other],
		] as const) {
			sender = staying;
			await more();
			expect(await leaving.stop()).toEqual({ code: 0, signal: null });
			// At once: it has given everything up, and is in no list.
			expect(await shares(staying)).toHaveLength(1);
			await more();
			await leaving.restart();
			await isShared(staying);
			await more();
		}
		sending.isOn = false;
		await sends;
		await receiver.waitFor(accepted.size * WEBHOOKS);
		await eventually("all deliveries have ended", async () => {
			const { data } = await one.project.deliveries.list({ status: "Pending", limit: 1 });
			return data.length === 0;
		});
		const got = receiver.requests.map(({ path, headers }) => `${path} ${String(headers["webhook-id"])}`);
		expect(new Set(got).size).toBe(accepted.size * WEBHOOKS);
		expect(got).toHaveLength(accepted.size * WEBHOOKS);
	});
});
