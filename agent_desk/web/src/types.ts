// Short names for what the server says; the shapes are generated from its OpenAPI document.
import type { components } from './api/schema'

type Schemas = components['schemas']

export type Me = Schemas['Me']
export type Account = Schemas['AccountView']
export type Role = Schemas['RoleView']
export type Call = Schemas['CallItem']
export type CallPage = Schemas['CallPage']
export type Utterance = Schemas['UtteranceView']
export type Word = Schemas['WordView']
export type Draft = Schemas['DraftView']
export type Field = Schemas['FieldView']
export type Value = Field['value']
export type Order = Schemas['OrderView']
export type Choices = Schemas['ChoicesView']
export type Span = Schemas['SpanView']
export type Moment = Schemas['MomentView']
export type Recording = Schemas['RecordingView']
export type LiveMessage = Schemas['LiveMessage']
export type LiveRecord = Schemas['LiveRecord']
export type LiveWords = Schemas['LiveWords']
export type ProblemBody = Schemas['ProblemView']
