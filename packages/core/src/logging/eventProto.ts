import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import type { Histogram } from './histogram.js'

// Messages of TensorFlow's event.proto, summary.proto, tensor.proto and TensorBoard's hparams plugin_data.proto,
// written field by field: the files are only ever written here, and few fields are needed.

/** Writes the fields of a message. */
type Fields = (writer: BinaryWriter) => void

const message = (writer: BinaryWriter, field: number, fields: Fields): BinaryWriter => {
  writer.tag(field, WireType.LengthDelimited).fork()
  fields(writer)
  return writer.join()
}

const string = (writer: BinaryWriter, field: number, value: string): BinaryWriter =>
  writer.tag(field, WireType.LengthDelimited).string(value)
const bytes = (writer: BinaryWriter, field: number, value: Uint8Array): BinaryWriter =>
  writer.tag(field, WireType.LengthDelimited).bytes(value)
const int = (writer: BinaryWriter, field: number, value: number): BinaryWriter =>
  writer.tag(field, WireType.Varint).int64(value)
const double = (writer: BinaryWriter, field: number, value: number): BinaryWriter =>
  writer.tag(field, WireType.Bit64).double(value)
const float = (writer: BinaryWriter, field: number, value: number): BinaryWriter =>
  writer.tag(field, WireType.Bit32).float(value)

const packedDoubles = (writer: BinaryWriter, field: number, values: readonly number[]): BinaryWriter =>
  message(writer, field, (packed) => {
    for (const value of values) packed.double(value)
  })

const DT_FLOAT = 1
const DT_STRING = 7
const SESSION_LOG_START = 1
const HPARAMS_DATA_VERSION = 0

/** `SummaryMetadata { plugin_data { plugin_name content } }`. */
const pluginMetadata = (writer: BinaryWriter, plugin: string, content: Fields): BinaryWriter =>
  message(writer, 9, (metadata) => {
    message(metadata, 1, (data) => {
      string(data, 1, plugin)
      message(data, 2, content)
    })
  })

/** `TensorProto` of shape [1]. */
const tensor = (writer: BinaryWriter, dtype: number, content: Fields): BinaryWriter =>
  message(writer, 8, (proto) => {
    int(proto, 1, dtype)
    message(proto, 2, (shape) => {
      message(shape, 2, (dim) => {
        int(dim, 1, 1)
      })
    })
    content(proto)
  })

/** One `Summary.Value`. */
export type SummaryValue = Fields

/** A number at a step. Stored as a 32-bit float, as TensorBoard's scalars are. */
export const scalarValue =
  (tag: string, value: number): SummaryValue =>
  (writer) => {
    float(string(writer, 1, tag), 2, value)
  }

/** Text, shown as Markdown. */
export const textValue =
  (tag: string, text: string): SummaryValue =>
  (writer) => {
    string(writer, 1, tag)
    pluginMetadata(writer, 'text', () => {})
    tensor(writer, DT_STRING, (proto) => {
      string(proto, 8, text)
    })
  }

/** A picture: the PNG file with its size and number of channels. */
export const imageValue =
  (tag: string, png: Uint8Array, size: { width: number; height: number; channels: number }): SummaryValue =>
  (writer) => {
    string(writer, 1, tag)
    message(writer, 4, (image) => {
      int(image, 1, size.height)
      int(image, 2, size.width)
      int(image, 3, size.channels)
      bytes(image, 4, png)
    })
  }

/** A sound: the WAV file with what its header says. */
export const audioValue =
  (tag: string, wav: Uint8Array, format: { sampleRate: number; channels: number; frames: number }): SummaryValue =>
  (writer) => {
    string(writer, 1, tag)
    message(writer, 6, (audio) => {
      float(audio, 1, format.sampleRate)
      int(audio, 2, format.channels)
      int(audio, 3, format.frames)
      bytes(audio, 4, wav)
      string(audio, 5, 'audio/wav')
    })
  }

/** A distribution. */
export const histogramValue =
  (tag: string, { min, max, count, sum, sumSquares, limits, counts }: Histogram): SummaryValue =>
  (writer) => {
    string(writer, 1, tag)
    message(writer, 5, (histogram) => {
      double(histogram, 1, min)
      double(histogram, 2, max)
      double(histogram, 3, count)
      double(histogram, 4, sum)
      double(histogram, 5, sumSquares)
      packedDoubles(histogram, 6, limits)
      packedDoubles(histogram, 7, counts)
    })
  }

const hparamsValue =
  (tag: string, content: Fields): SummaryValue =>
  (writer) => {
    string(writer, 1, tag)
    pluginMetadata(writer, 'hparams', (data) => {
      int(data, 1, HPARAMS_DATA_VERSION)
      content(data)
    })
    tensor(writer, DT_FLOAT, (proto) => {
      float(proto, 5, 0)
    })
  }

/** A hyperparameter's value. */
export type HparamValue = string | number | boolean | null

/** `google.protobuf.Value`. */
const protoValue = (writer: BinaryWriter, value: HparamValue): void => {
  if (value === null) int(writer, 1, 0)
  else if (typeof value === 'number') double(writer, 2, value)
  else if (typeof value === 'string') string(writer, 3, value)
  else writer.tag(4, WireType.Varint).bool(value)
}

/** The values of this run. */
export const hparamsStartValue = (hparams: Readonly<Record<string, HparamValue>>, seconds: number): SummaryValue =>
  hparamsValue('_hparams_/session_start_info', (data) => {
    message(data, 3, (start) => {
      for (const [name, value] of Object.entries(hparams)) {
        message(start, 1, (entry) => {
          string(entry, 1, name)
          message(entry, 2, (proto) => {
            protoValue(proto, value)
          })
        })
      }
      double(start, 5, seconds)
    })
  })

const SESSION_STATUS = { success: 1, failed: 2 }

/** How this run ended. */
export const hparamsEndValue = (status: 'success' | 'failed', seconds: number): SummaryValue =>
  hparamsValue('_hparams_/session_end_info', (data) => {
    message(data, 4, (end) => {
      int(end, 1, SESSION_STATUS[status])
      double(end, 2, seconds)
    })
  })

/** `Event` with summary values. `seconds` since 1970. */
export function summaryEvent(values: readonly SummaryValue[], step: number, seconds: number): Uint8Array {
  const writer = new BinaryWriter()
  double(writer, 1, seconds)
  int(writer, 2, step)
  message(writer, 5, (summary) => {
    for (const value of values) message(summary, 1, value)
  })
  return writer.finish()
}

/** The event that every file begins with. */
export function fileVersionEvent(seconds: number): Uint8Array {
  const writer = new BinaryWriter()
  double(writer, 1, seconds)
  string(writer, 3, 'brain.Event:2')
  return writer.finish()
}

/** Says that the run was resumed: what earlier files hold from this step on is void. */
export function restartEvent(step: number, seconds: number): Uint8Array {
  const writer = new BinaryWriter()
  double(writer, 1, seconds)
  int(writer, 2, step)
  message(writer, 7, (log) => {
    int(log, 1, SESSION_LOG_START)
  })
  return writer.finish()
}
