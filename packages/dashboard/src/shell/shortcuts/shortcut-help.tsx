// The list of all shortcuts, behind `?`.
import { FactsShape } from "../../parts/feedback/skeletons.tsx";
import { Dialog } from "../../parts/layout/dialog.tsx";
import { lazyPart, Part } from "../../parts/layout/part.tsx";

const shortcutList = lazyPart("shortcuts", async () => (await import("./shortcut-list.tsx")).ShortcutList);

export function ShortcutHelp({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
	return (
		<Dialog isOpen={isOpen} onClose={onClose} title="Keyboard shortcuts">
			<Part of={shortcutList} props={{}} label="the list">
				<FactsShape facts={8} />
			</Part>
		</Dialog>
	);
}
