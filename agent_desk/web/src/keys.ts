// Keys that work anywhere on a page, unless somebody is typing.
import { onMounted, onUnmounted } from 'vue'

export interface Shortcut {
  /** As KeyboardEvent.key names it. */
  keys: string[]
  act: () => void
}

/** Whether a key belongs to what has the focus: a field, a menu, a dialog, something that opens. */
function isTaken(event: KeyboardEvent): boolean {
  const target = event.target
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return true
  if (!(target instanceof HTMLElement)) return false
  if (event.key === ' ' && target.closest('button, summary, [role="button"]')) return true
  return target.closest('input, textarea, select, [contenteditable], [role="menu"], [role="dialog"], .el-popper') !== null
}

const SAME: Record<string, string> = { '？': '?', '【': '[', '】': ']' }

export function useKeys(shortcuts: Shortcut[]): void {
  const listen = (event: KeyboardEvent): void => {
    if (isTaken(event)) return
    const key = SAME[event.key] ?? (event.key.length === 1 ? event.key.toLowerCase() : event.key)
    const found = shortcuts.find((one) => one.keys.includes(key))
    if (!found) return
    event.preventDefault()
    found.act()
  }
  onMounted(() => window.addEventListener('keydown', listen))
  onUnmounted(() => window.removeEventListener('keydown', listen))
}
