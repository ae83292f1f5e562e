// Changes the master key: unseals every secret with the old key and seals it with the new one, in one transaction.
import type { Sealer } from "../../core/crypto/sealing.ts";
import type { Store } from "../../ports/store/store.ts";
import { resealRecord } from "../directory/sealed-webhook.ts";

/** Returns how many webhooks were resealed. If it rejects, the store is unchanged and still sealed with the old key. */
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
