// Changes the master key: unseals every secret with the old key and seals it with the new one. All are put into force in one transaction.
import type { Sealer } from "../../core/crypto/sealing.ts";
import type { Store } from "../../ports/store/store.ts";
import { resealParts } from "../directory/sealed-webhook.ts";

type ResealingStore = Pick<Store, "webhookSummaries" | "webhookRecords" | "clearReseal" | "stageReseal" | "reseal">;

/** Webhooks in memory at once. */
const STEP = 100;

/**
 * Returns how many webhooks were resealed. If it rejects, or if the process ends meanwhile, the store is still sealed with the
 * old key.
 */
export async function resealStore(store: ResealingStore, from: Sealer, to: Sealer): Promise<number> {
	await store.clearReseal();
	let count = 0;
	for (let after: string | null = null; ;) {
		const ids: readonly string[] = (await store.webhookSummaries(after, STEP)).map(({ id }) => id);
		const records = await store.webhookRecords(ids);
		await store.stageReseal(records.map((record) => resealParts(record, from, to)));
		count += records.length;
		after = ids.at(-1) ?? null;
		if (ids.length < STEP) break;
	}
	await store.reseal(to.fingerprint);
	return count;
}
