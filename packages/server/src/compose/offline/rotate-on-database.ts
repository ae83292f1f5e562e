// Encrypts the webhook secrets of a database under a new master key.
import { readMembers } from "../../adapters/postgres/members/member-rows.ts";
import { openPostgres } from "../../adapters/postgres/postgres-store.ts";
import { requireOwnSchema } from "../../adapters/postgres/schema/migrate.ts";
import { systemChance } from "../../adapters/system/system-chance.ts";
import { systemClock } from "../../adapters/system/system-clock.ts";
import { isoTime } from "../../core/clock.ts";
import { createSealer } from "../../core/crypto/sealing.ts";
import { checkMasterKey } from "../../engine/managing/bootstrap.ts";
import { resealStore } from "../../engine/managing/reseal.ts";

/** As `rotateMasterKey`. Rejects if a server runs on the database, since it would go on encrypting under the old key. */
export async function rotateOnDatabase(url: string, oldKey: Uint8Array, newKey: Uint8Array): Promise<number> {
	const { store, database, schema } = await openPostgres({ url, clock: systemClock });
	try {
		// A newer version may keep secrets of which this one does not know.
		requireOwnSchema(schema);
		const running = (await readMembers(database, null, () => true)).find(({ state }) => state !== "lost");
		if (running !== undefined) {
			throw new Error(
				`a server runs on the database (${running.name}, seen ${isoTime(running.seenDate)}): stop every server first. One that was killed counts for some seconds`,
			);
		}
		const from = createSealer(oldKey, systemChance);
		checkMasterKey(await store.identity(), from);
		return await resealStore(store, from, createSealer(newKey, systemChance));
	} finally {
		await store.close();
	}
}
