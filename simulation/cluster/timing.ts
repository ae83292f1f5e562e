// The times of simulated members: those of the members on PostgreSQL, whose beats are not simulated one by one.

/** Members learn of changes within this time. */
export const BEAT_MS = 500;
/** A tenure ends this much later than its last renewal. */
export const TENURE_MS = 3_000;
/** A member counts its own tenure as ended this much earlier. */
export const MARGIN_MS = 700;
/** A member that has not been answered for this long begins no attempt. */
export const STALL_MS = 800;
/** An owner that has not been heard of for this long counts as unreachable. */
export const UNHEARD_MS = 1_500;
/** A member that has not read a change of another one by then begins no attempt and answers no call. */
export const CURRENT_MS = 4_000;
/** Whoever has made a change waits this long for a member that can't read it. */
export const CHANGE_MS = 5_000;
/** A member that is not current for this long leaves its shards to the others, and joins again when it can read. */
export const BLIND_MS = 10_000;
/** A member that gives up shards looks this often whether their attempts have ended. */
export const GIVE_EVERY_MS = 100;
