// What a start finds beyond the limits: a store that was filled before they existed, or with higher settings.
import type { DirectoryStore } from "../../ports/store/directory.ts";
import type { Directory } from "../directory/directory.ts";
import type { EngineLimits, PartsOn } from "../parts.ts";

type Parts = Pick<PartsOn<Pick<DirectoryStore, "projectsOverLimits">>, "store" | "observer">;
type Limits = Pick<EngineLimits, "maxProjects" | "maxKeys" | "maxWebhooks" | "maxWebhookBytes">;

/** The most projects that are named in the log. */
const MAX_NAMED = 20;

/**
 * Says which limits are exceeded. Everything that is there keeps working, and can be made smaller or deleted; only what would
 * exceed the limits further is refused.
 */
export async function noteExcess(
	{ store, observer }: Parts,
	limits: Limits,
	directory: Pick<Directory, "projects" | "keys">,
): Promise<void> {
	const { maxProjects, maxKeys, maxWebhooks, maxWebhookBytes } = limits;
	const projects = directory.projects().length;
	if (projects > maxProjects) {
		observer.note("there are more projects than the limit: none can be added", { projects, maxProjects });
	}
	const keys = directory.keys().length;
	if (keys > maxKeys) observer.note("there are more keys than the limit: none can be added", { keys, maxKeys });
	const over = await store.projectsOverLimits(limits, MAX_NAMED);
	for (const { projectId, webhooks, webhookBytes } of over.projects) {
		const facts = { projectId, webhooks, maxWebhooks, webhookBytes, maxWebhookBytes };
		observer.note("a project has more webhooks than its limits: none can be added or made larger", facts);
	}
	const others = over.count - over.projects.length;
	if (others > 0) observer.note("more projects have more webhooks than their limits", { projects: others });
}
