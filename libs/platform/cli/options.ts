import type { AnswerOptions } from './answer.js'

export const JSON_OPTION = ['--json', 'print one JSON object instead of text'] as const
export const LIMIT_OPTION = ['--limit <n>', 'how many at most, up to 100', '50'] as const
export const CURSOR_OPTION = ['--cursor <cursor>', 'go on behind an earlier page: its next_cursor'] as const

export interface PageOptions extends AnswerOptions {
  limit: string
  cursor?: string
}
