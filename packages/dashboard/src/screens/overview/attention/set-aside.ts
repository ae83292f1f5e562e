// Items that somebody has set aside: with a note, until a time or until they change. Kept in this browser, for all of its tabs.
import type { Webhook } from "@fanfare/sdk";
import { useLocalStorage } from "@mantine/hooks";

/** More are not kept; the oldest ones go. */
const MOST_ITEMS = 500;
export const MOST_NOTE = 200;

/** One item that was set aside. */
export interface Aside {
	/** Until when, in milliseconds since the epoch; null: until it changes. */
	readonly until: number | null;
	/** How the webhook was. When it is otherwise, the item comes back, whatever the time. */
	readonly state: string;
	readonly note: string;
	/** When somebody did it, in milliseconds since the epoch. */
	readonly at: number;
}

type Asides = Readonly<Record<string, Aside>>;

interface SetAsides {
	/** The item's entry, as long as it counts. */
	readonly of: (webhook: Webhook, now: number) => Aside | null;
	readonly put: (webhook: Webhook, aside: Pick<Aside, "until" | "note">) => void;
	readonly take: (webhook: Webhook) => void;
}

export function useSetAsides(projectId: string): SetAsides {
	const [asides, setAsides] = useLocalStorage<Asides>({
		key: `fanfare.aside.${projectId}`,
		defaultValue: {},
		getInitialValueInEffect: false,
		serialize: JSON.stringify,
		deserialize: readAsides,
	});
	return {
		of: (webhook, now) => {
			const aside = asides[webhook.id];
			if (aside === undefined || aside.state !== stateOf(webhook)) return null;
			return aside.until === null || now < aside.until ? aside : null;
		},
		put: (webhook, { until, note }) => {
			const aside = { until, note, state: stateOf(webhook), at: Date.now() };
			setAsides((asides) => newest({ ...asides, [webhook.id]: aside }));
		},
		take: ({ id }) =>
			setAsides((asides) => Object.fromEntries(Object.entries(asides).filter(([webhookId]) => webhookId !== id))),
	};
}

/** What makes it another problem: not that the same one goes on, and not how many deliveries it has hit. */
function stateOf({ status, health, lastAttempt }: Webhook): string {
	const isFailing = health.failingSince !== null;
	const cause = isFailing ? (lastAttempt?.cause ?? lastAttempt?.responseCode ?? "") : "";
	return [status, health.state, health.failingSince ?? "", cause].join(" ");
}

function newest(asides: Asides): Asides {
	const entries = Object.entries(asides);
	if (entries.length <= MOST_ITEMS) return asides;
	return Object.fromEntries(entries.toSorted(([, a], [, b]) => b.at - a.at).slice(0, MOST_ITEMS));
}

/** What is stored may be of another version, or written by hand: what can't be read is dropped. */
function readAsides(text: string | undefined): Asides {
	try {
		const value: unknown = JSON.parse(text ?? "{}");
		if (typeof value !== "object" || value === null) return {};
		return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, Aside] => isAside(entry[1])));
	} catch {
		return {};
	}
}

function isAside(value: unknown): value is Aside {
	if (typeof value !== "object" || value === null) return false;
	const { until, state, note, at } = value as Readonly<Record<string, unknown>>;
	const isTime = until === null || typeof until === "number";
	return isTime && typeof state === "string" && typeof note === "string" && typeof at === "number";
}
