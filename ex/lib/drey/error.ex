defmodule Drey.Error do
  @moduledoc """
  Why a call failed: `reason` is an atom to match on, `message` says what was wrong and what to do, `where` is the
  place in the model or the options (empty when it is none), `details` whatever else the engine said.
  """

  defexception [:reason, :message, where: "", details: %{}]

  @type t :: %__MODULE__{reason: atom(), message: String.t(), where: String.t(), details: map()}

  @doc false
  @spec new(map()) :: t()
  def new(%{reason: reason, message: message} = error) do
    where = Map.get(error, :where, "")

    %__MODULE__{
      reason: reason,
      message: message,
      where: where,
      details: Map.drop(error, [:reason, :message, :where])
    }
  end

  @impl true
  def message(%__MODULE__{where: "", message: message, reason: reason}), do: "#{reason}: #{message}"

  def message(%__MODULE__{where: where, message: message, reason: reason}),
    do: "#{reason}: #{where}: #{message}"
end
