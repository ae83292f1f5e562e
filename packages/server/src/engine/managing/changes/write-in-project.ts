// Writes new objects into a project, and refuses them if the project was deleted meanwhile.
import { StoreError } from "../../../ports/store/errors.ts";
import type { Directory } from "../../directory/directory.ts";

/**
 * Makes a write that the store refuses if the project is deleted. The directory may not know of the deletion yet: it is read
 * again then, and the caller is told what it says.
 *
 * @throws FanfareError `project_not_found` if the project has been deleted meanwhile.
 * @throws StoreError what `write` throws otherwise.
 */
export async function writeInProject<T>(
	directory: Pick<Directory, "refresh" | "project">,
	projectId: string,
	write: () => Promise<T>,
): Promise<T> {
	try {
		return await write();
	} catch (error) {
		if (!(error instanceof StoreError) || error.code !== "store_conflict") throw error;
		await directory.refresh("project", projectId);
		directory.project(projectId);
		throw error;
	}
}
