defmodule Drey.Result do
  @moduledoc """
  What `Drey.sample/2` found. It inspects as its summary table.

  `draws` is a map of arrays `{type, [chains, draws | shape], binary}`, which `Nx.from_binary/2` takes without a
  copy; `draws/2` gives nested lists. `stats` has the same shape for log density, acceptance, depth, leapfrogs,
  divergences and energy. `divergences` says where the first hundred divergent trajectories were (`divergences/1`),
  `diagnostics` has the counts and the E-BFMI of each chain. `checkpoint` is there when it was asked for.
  """

  defstruct draws: %{},
            stats: %{},
            summary: [],
            divergences: %{},
            diagnostics: %{},
            stop: nil,
            checkpoint: nil,
            tuning: nil,
            timing: %{},
            device: "",
            warnings: [],
            details: %{}

  @type t :: %__MODULE__{
          draws: %{atom() => Drey.array()},
          stats: map(),
          summary: [map()],
          divergences: map(),
          diagnostics: map(),
          stop: map() | nil,
          checkpoint: binary() | nil,
          tuning: term(),
          timing: map(),
          device: iodata(),
          warnings: list(),
          details: map()
        }

  @doc false
  @spec new(map()) :: t()
  def new(map) do
    known = Map.keys(%__MODULE__{}) -- [:__struct__, :details]
    struct(%__MODULE__{details: Map.drop(map, known)}, Map.take(map, known))
  end

  @doc """
  The draws of one quantity: a list of chains, each a list of draws.

      iex> Drey.Result.draws(%Drey.Result{draws: %{mu: {:f32, [2, 1], <<1.5::float-32-little, -2.0::float-32-little>>}}}, :mu)
      [[1.5], [-2.0]]
  """
  @spec draws(t(), atom()) :: [list()]
  def draws(%__MODULE__{draws: draws}, name) do
    case draws do
      %{^name => array} -> :drey_draws.to_list(array)
      _ -> raise ArgumentError, "there are no draws of #{inspect(name)}, only of #{names(draws)}"
    end
  end

  defp names(draws), do: draws |> Map.keys() |> Enum.sort() |> Enum.map_join(", ", &inspect/1)

  @doc """
  The first divergences as a list of maps: chain, draw, energy error, and each parameter's value where the trajectory
  was when it diverged.

      iex> Drey.Result.divergences(%Drey.Result{divergences: %{
      ...>   count: 1, chain: {:s64, [1], <<3::64-little>>}, draw: {:s64, [1], <<40::64-little>>},
      ...>   energy_error: {:f64, [1], <<1200.5::float-64-little>>},
      ...>   position: %{tau: {:f64, [1], <<0.25::float-64-little>>}}}})
      [%{chain: 3, draw: 40, energy_error: 1200.5, position: %{tau: 0.25}}]
  """
  @spec divergences(t()) :: [map()]
  def divergences(%__MODULE__{divergences: %{chain: {_, [count | _], _}} = found}) do
    lists = Map.new(Map.take(found, [:chain, :draw, :energy_error]), &to_list/1)
    position = Map.new(found.position, &to_list/1)

    for i <- 0..(count - 1)//1 do
      at = fn {name, values} -> {name, Enum.at(values, i)} end
      lists |> Map.new(at) |> Map.put(:position, Map.new(position, at))
    end
  end

  def divergences(%__MODULE__{}), do: []

  defp to_list({name, array}), do: {name, :drey_draws.to_list(array)}

  @doc "The summary row of one quantity, such as `\"theta[1]\"`; `nil` when there is none of that name."
  @spec row(t(), String.t() | atom()) :: map() | nil
  def row(%__MODULE__{summary: rows}, name), do: Enum.find(rows, &(&1.name == to_string(name)))

  @doc "The summary as a text table."
  @spec table(t()) :: String.t()
  def table(%__MODULE__{summary: rows}), do: rows |> :drey_table.summary() |> IO.chardata_to_string()

  defimpl Inspect do
    import Inspect.Algebra

    def inspect(result, opts) do
      limit = if opts.limit == :infinity, do: length(result.summary), else: max(opts.limit, 1)
      {shown, hidden} = Enum.split(result.summary, limit)

      lines =
        if shown == [],
          do: [],
          else: String.split(Drey.Result.table(%{result | summary: shown}), "\n", trim: true)

      more = if hidden == [], do: [], else: ["... and #{length(hidden)} more"]
      warnings = for w <- result.warnings, do: "warning: #{warning(w)}"

      ["#Drey.Result<", head(result) | lines ++ more ++ health(result) ++ stop(result) ++ warnings]
      |> Enum.intersperse(line())
      |> concat()
      |> nest(2)
      |> concat(concat(line(), ">"))
    end

    defp head(%{draws: draws, device: device}) do
      shape =
        case Map.values(draws) do
          [{type, [chains, count | _], _} | _] -> "#{chains} chains of #{count} draws, #{type}"
          [] -> "no draws"
        end

      if IO.iodata_length(device) == 0, do: shape, else: "#{shape}, on #{device}"
    end

    defp health(%{diagnostics: %{divergent: divergent, depth_hits: hits, ebfmi_min: ebfmi}}) do
      ["divergent #{divergent}, at max_depth #{hits}, lowest E-BFMI #{:drey_table.cell(ebfmi, 2)}"]
    end

    defp health(_), do: []

    defp stop(%{stop: %{reached: reached, draws: draws}}) do
      [if(reached, do: "stopped by rule at draw #{draws}", else: "stopped by the cap at draw #{draws}")]
    end

    defp stop(_), do: []

    defp warning(w) when is_binary(w), do: w
    defp warning(%{message: message}), do: message
    defp warning(w), do: Kernel.inspect(w)
  end
end
