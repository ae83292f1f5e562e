// Names the project of something that is shown outside its project.

export interface ShownProject {
	/** The project that is shown; null on the list of projects. */
	readonly projectId: string | null;
	/** Those whose names are known. */
	readonly projects: readonly { readonly id: string; readonly name: string }[];
}

/** Such as `Project Shop`; empty if that project is the one that is shown. */
export function projectElsewhere(id: string, { projectId, projects }: ShownProject): string {
	if (id === projectId) return "";
	return `Project ${projects.find((project) => project.id === id)?.name ?? id}`;
}
