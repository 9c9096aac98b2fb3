// Holds the WebSocket: comes back when it breaks, asks for what was missed, and says how it stands.
import { reactive } from 'vue'
import { now } from './now'
import type { LiveMessage } from './types'

export type Standing = 'connecting' | 'live' | 'lost'

const SILENT_MS = 12_000 // the server gives a sign of life every 5 s
const FIRST_PAUSE_MS = 300
const LONGEST_PAUSE_MS = 5_000
const RESTARTING = 1012
const TOO_SLOW = 4408
const NOT_LOGGED_IN = 4401
const NOT_PERMITTED = 4403

export interface Ear {
  /** The newest ledger row known here: what comes after it is asked for. */
  seq: () => number
  /** The call whose words and draft are to be told. */
  watching: () => string | null
  take: (message: LiveMessage) => void
  /** The server knows nobody behind this browser any more, or somebody who may not watch. */
  turnedAway: () => void
}

export const standing = reactive<{ now: Standing; since: number }>({ now: 'connecting', since: now.value })

export class Live {
  private socket: WebSocket | null = null
  private pause = FIRST_PAUSE_MS
  private retry = 0
  private silence = 0
  private ended = false

  constructor(private readonly ear: Ear) {
    window.addEventListener('online', this.now)
    document.addEventListener('visibilitychange', this.now)
    this.connect()
  }

  end(): void {
    this.ended = true
    window.removeEventListener('online', this.now)
    document.removeEventListener('visibilitychange', this.now)
    this.drop()
  }

  /** Another call is watched: the server is told so by connecting anew, from the row where we are. */
  again(): void {
    if (!this.ended) this.connect()
  }

  /** Do not wait for the pause to pass: the network or the person is back. */
  private now = (): void => {
    if (!this.socket && !this.ended) this.connect()
  }

  private connect(): void {
    this.drop()
    const scheme = window.location.protocol === 'https:' ? 'wss' : 'ws'
    const watching = this.ear.watching()
    const asked = `after=${this.ear.seq()}` + (watching ? `&watch=${encodeURIComponent(watching)}` : '')
    const socket = new WebSocket(`${scheme}://${window.location.host}/api/live?${asked}`)
    this.socket = socket
    this.listenForLife()
    socket.onmessage = (event: MessageEvent<string>) => {
      this.listenForLife()
      const message = JSON.parse(event.data) as LiveMessage
      if (message.type === 'ready') {
        this.pause = FIRST_PAUSE_MS
        this.stand('live')
      }
      this.ear.take(message)
    }
    socket.onclose = (event) => {
      if (socket === this.socket) this.lost(event.code)
    }
  }

  private lost(code: number): void {
    this.drop()
    if (this.ended) return
    this.stand('lost')
    if (code === NOT_LOGGED_IN || code === NOT_PERMITTED) {
      this.end()
      this.ear.turnedAway()
      return
    }
    const wait = code === RESTARTING || code === TOO_SLOW ? FIRST_PAUSE_MS : this.pause
    // not all pages at the same moment
    this.retry = window.setTimeout(() => this.connect(), wait * (0.75 + Math.random() / 2))
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE_MS)
  }

  /** A connection on which nothing comes is dead, whatever the network says. */
  private listenForLife(): void {
    window.clearTimeout(this.silence)
    this.silence = window.setTimeout(() => this.lost(0), SILENT_MS)
  }

  private drop(): void {
    window.clearTimeout(this.silence)
    window.clearTimeout(this.retry)
    const socket = this.socket
    this.socket = null
    if (socket) {
      socket.onmessage = socket.onclose = null
      // closed before it is open, the browser would complain of it
      if (socket.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close()
      else socket.close()
    }
  }

  private stand(standingNow: Standing): void {
    if (standing.now !== standingNow) Object.assign(standing, { now: standingNow, since: now.value })
  }
}
