// Changes the master key: every secret is opened under the old one and sealed under the new one, in one transaction.
import type { Sealer } from "../../core/crypto/sealing.ts";
import type { Store } from "../../ports/store/store.ts";
import { resealRecord } from "../directory/webhook-registry.ts";

/** Returns how many webhooks were sealed anew. If it rejects, the store is as it was, under the old key. */
export async function resealStore(
	store: Pick<Store, "webhookRecords" | "reseal">,
	from: Sealer,
	to: Sealer,
): Promise<number> {
	const records = await store.webhookRecords();
	await store.reseal(
		records.map((record) => resealRecord(record, from, to)),
		to.fingerprint,
	);
	return records.length;
}
