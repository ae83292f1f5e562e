// Webhooks point at names that resolve to blocked addresses, and at such addresses themselves.
import type { Fault } from "../../fault.ts";
import { FEW, PROMPT_MS } from "../../harness/hostile.ts";
import { fails } from "../../harness/webhook-kinds.ts";

/** The addresses that each name resolves to. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
	"private.torture.test": ["127.0.0.2"],
	"private-six.torture.test": ["::1"],
	"mixed.torture.test": ["127.0.0.1", "127.0.0.2"],
	"mapped.torture.test": ["::ffff:127.0.0.2"],
};
/** Blocked addresses in many spellings. */
const LITERALS = [
	"127.0.0.2",
	"127.2",
	"0x7f.0.0.2",
	"2130706434",
	"0177.0.0.2",
	"[::1]",
	"[::ffff:127.0.0.2]",
	"0.0.0.0",
];

export const namesBlocked: Fault = {
	name: "names-blocked",
	summary: "names that resolve to blocked addresses, alone or among allowed ones; blocked addresses in URLs",
	weight: 1,
	setUp: async (round) => {
		round.promptWithinMs = PROMPT_MS;
		const { port } = round.receiver;
		await round.canaries.watch(port);
		for (const [name, addresses] of Object.entries(NAMES)) {
			round.world.setName(name, [addresses]);
			await round.addWebhook({
				name: `hostile-${name}`,
				spec: { retries: FEW, eventTypes: ["hostile.*"] },
				endpoint: `http://${name}:${port}/`,
				act: () => ({ answer: {}, status: 200 }),
				mayEnd: fails,
				attemptsUntilFailed: 2,
			});
		}
	},
	strike: async (round) => {
		const path = `/projects/${round.server.projectId}/batch/webhooks`;
		for (const host of LITERALS) {
			const body = { name: "literal", spec: { endpoint: `http://${host}:${round.canaries.port}/` } };
			const { status } = await round.server.call("POST", path, body);
			round.expect(status === 400, `creating a webhook at ${host} got ${status} instead of 400`);
		}
		await round.load(120);
		for (const name of Object.keys(NAMES)) round.expect(round.world.lookups(name) > 0, `${name} was never looked up`);
	},
	verify: async (round) => {
		for (const name of Object.keys(NAMES)) {
			const { id } = round.webhook(`hostile-${name}`);
			const [delivery] = (await round.project.deliveries.list({ webhookId: id, limit: 1 })).data;
			if (delivery === undefined) continue;
			const { attempts } = await round.project.deliveries.get(delivery.id);
			const errors = attempts.map(({ error }) => error);
			round.expect(
				errors.every((error) => error === "blocked_address"),
				`attempts to ${name} ended as ${errors.join(", ")}`,
			);
		}
	},
};
