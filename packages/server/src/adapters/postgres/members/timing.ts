// The times of members. See cluster.ts for what follows from them.

/** A member renews its tenure this often. */
export const BEAT_MS = 500;
/** A member that has less than its share of the shards looks this often whether others have given some up. */
export const MOVING_BEAT_MS = 100;
/** A tenure ends this much later than its last renewal. */
export const TENURE_MS = 3_000;
/** A member counts its own tenure as ended this much earlier, in case its clock runs slow. */
export const MARGIN_MS = 700;
/** A member that has not been answered for this long begins no attempt. */
export const STALL_MS = 800;
/** A live member that is not cut off has beaten in such a time. */
export const MISSED_BEATS_MS = 2 * BEAT_MS;
/** An owner whose beat is older than this counts as unreachable. */
export const UNHEARD_MS = 1_500;
/** A member that gives up shards looks this often whether their attempts have ended. */
export const GIVE_EVERY_MS = 100;
/** A member that has died is listed as lost for this long. */
export const LOST_SHOWN_MS = 600_000;
/** A member that can't read what others have changed for this long leaves its shards to them, and joins again when it can. */
export const BLIND_MS = 10_000;
