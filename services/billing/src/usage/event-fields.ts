import type { Meter, UsageEvent } from './collections.ts'

/** What meters may look at in an event, besides `dimensions.<name>`. */
const plainFields = ['model_id', 'purpose', 'region', 'api_key', 'license', 'item', 'quantity'] as const

type Fielded = Pick<
  UsageEvent,
  'modelId' | 'purpose' | 'region' | 'apiKey' | 'licenses' | 'items' | 'dimensions' | 'effective' | 'metric'
>

/** Whether meters can look at a field of this name. */
export function isEventField(name: string): boolean {
  return plainFields.some((field) => field === name) || /^dimensions\.[a-z][a-z0-9_]{0,39}$/.test(name)
}

/** The values of a field of an event: none, one, or several for licenses and items. */
export function fieldValues(event: Fielded, field: string): readonly string[] {
  switch (field) {
    case 'model_id':
      return listOf(event.modelId)
    case 'purpose':
      return [event.purpose]
    case 'region':
      return listOf(event.region)
    case 'api_key':
      return listOf(event.apiKey)
    case 'license':
      return event.licenses
    case 'item':
      return event.items
    case 'quantity':
      return listOf(event.effective)
    default:
      return listOf(event.dimensions[field.slice('dimensions.'.length)])
  }
}

/** Whether a meter counts the event: its metric, and one of the values of each filter. */
export function isCounted(meter: Pick<Meter, 'metric' | 'filters'>, event: Fielded): boolean {
  return (
    event.metric === meter.metric &&
    meter.filters.every(({ field, values }) =>
      fieldValues(event, field).some((value) => values.includes(value)),
    )
  )
}

/**
 * The values by which a meter keeps the event apart, empty where the event has none. Several values of one field stay
 * together, so that an event is in one group; a line break, which no value holds, is between them.
 */
export function groupOf(meter: Pick<Meter, 'groupBy'>, event: Fielded): string[] {
  return meter.groupBy.map((field) => {
    const values = fieldValues(event, field)
    return values.length < 2 ? (values[0] ?? '') : [...new Set(values)].sort().join('\n')
  })
}

/**
 * Whether a meter keeps API keys and licenses apart beside customers. Not what is unique of a field with many values: a
 * thousand items of twenty licenses would be as many figures for one event.
 */
export function keepsApart({ aggregation, field }: Pick<Meter, 'aggregation' | 'field'>): boolean {
  return aggregation !== 'unique' || (field !== 'item' && field !== 'license')
}

function listOf(value: string | undefined): readonly string[] {
  return value === undefined ? [] : [value]
}
