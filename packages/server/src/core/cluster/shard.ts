// Shards: 256 groups of webhooks. Where several processes share the work, each shard has one owner, which delivers its
// webhooks.

/** The number of shards. Permanent: stores keep the shards of webhooks. */
export const SHARDS = 256;

/**
 * The shard of a webhook, from 0 to `SHARDS` − 1. Permanent: a webhook never changes its shard.
 *
 * Hashes the whole id, because ids made at about the same time differ only in their last characters (FNV-1a, then the
 * final mix of MurmurHash3, without which the lowest bits would depend on few bits of each character).
 */
export function shardOf(webhookId: string): number {
	let hash = 0x811c_9dc5;
	for (let index = 0; index < webhookId.length; index++) {
		hash = Math.imul(hash ^ webhookId.charCodeAt(index), 0x0100_0193);
	}
	hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
	hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
	return (hash ^ (hash >>> 16)) & (SHARDS - 1);
}
