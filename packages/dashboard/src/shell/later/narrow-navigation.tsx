// The navigation of narrow windows, which slides in beside the screen. Its code is loaded later than the page.
import { Drawer } from "@mantine/core";
import { useMounted } from "@mantine/hooks";
import type { ReactNode } from "react";

interface NarrowNavigationProps {
	readonly isOpen: boolean;
	readonly onClose: () => void;
	readonly children: ReactNode;
}

export function NarrowNavigation({ isOpen, onClose, children }: NarrowNavigationProps) {
	// A drawer that is open from the beginning would not slide in.
	const isThere = useMounted();
	return (
		<Drawer opened={isOpen && isThere} onClose={onClose} title="Fanfare" size="16rem">
			<nav aria-label="Main">{children}</nav>
		</Drawer>
	);
}
