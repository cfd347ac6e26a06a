defmodule Drey do
  @moduledoc """
  Bayesian inference (the No-U-Turn sampler) on any Vulkan device.

  A model is data: parameters, what is known, and how they relate.

      model = %{
        data: %{y: [28, 8, -3, 7, -1, 1, 18, 12], sigma: [15, 10, 16, 11, 9, 11, 10, 18]},
        parameters: [{:mu, :real}, {:tau, :real, [lower: 0]}, {:eta, {:vector, 8}}],
        transformed: [{:theta, {:+, :mu, {:*, :tau, :eta}}}],
        model: [
          {:"~", :mu, {:normal, 0, 5}},
          {:"~", :tau, {:half_cauchy, 5}},
          {:"~", :eta, {:normal, 0, 1}},
          {:"~", :y, {:normal, :theta, :sigma}}
        ]
      }

      {:ok, result} = Drey.sample(model, chains: 4, seed: 1)
      IO.inspect(result)

  Every call takes the option `:on`, a node: a `drey_node`, or an Erlang node with this application. Without it
  the call runs in this VM. `sample/2` also takes `:nodes`, a list of nodes over which the chains are split; a
  chain's draws do not depend on who runs it, so neither does the result.

      Drey.sample(model, chains: 64, on: :"gpu1@10.0.0.7")
      Drey.sample(model, chains: 64, nodes: [:"gpu1@10.0.0.7", :"gpu2@10.0.0.8"])

  Functions answer `{:ok, value}` or `{:error, %Drey.Error{}}`; those with a bang raise the error. What the calls
  take and answer is the same for Erlang: see the module `:drey`.
  """

  alias Drey.{Error, Result}

  @typedoc "A model: a map with the keys `:data`, `:parameters`, `:transformed`, `:model`, `:generated`."
  @type model :: map() | keyword()

  @typedoc "Options; `:on` is a node, the rest goes to the engine."
  @type options :: keyword() | map()

  @typedoc "An array as it travels: row-major, little-endian."
  @type array :: {:f32 | :f64 | :s32 | :s64 | :u8, [non_neg_integer()], binary()}

  @doc """
  Version, node, devices and limits of an engine.

  Options: `:on`.
  """
  @spec info(options()) :: {:ok, map()} | {:error, Error.t()}
  def info(options \\ []) do
    case call(options, fn
           nil, _ -> :drey.info()
           node, _ -> :drey.info(node)
         end) do
      %{} = info -> {:ok, info}
      other -> answer(other)
    end
  end

  @doc "As `info/1`; raises `Drey.Error`."
  @spec info!(options()) :: map()
  def info!(options \\ []), do: bang(info(options))

  @doc """
  Whether a model is one: its dimension, and the names, shapes and constraints of what it has.

  Options: `:on`.
  """
  @spec check(model(), options()) :: {:ok, map()} | {:error, Error.t()}
  def check(model, options \\ []) do
    answer(
      call(options, fn
        nil, _ -> :drey.check(model)
        node, _ -> :drey.check(node, model)
      end)
    )
  end

  @doc "As `check/2`; raises `Drey.Error`."
  @spec check!(model(), options()) :: map()
  def check!(model, options \\ []), do: bang(check(model, options))

  @doc """
  Log density (normalised, with Jacobians) and its gradient at unconstrained points, a list of lists or an array.

  Options: `:on`, `:precision`, `:device`.
  """
  @spec log_density(model(), [[number()]] | array(), options()) :: {:ok, map()} | {:error, Error.t()}
  def log_density(model, points, options \\ []) do
    answer(
      call(options, fn
        nil, opts when opts == %{} -> :drey.log_density(model, points)
        nil, opts -> :drey.log_density(model, points, opts)
        node, opts when opts == %{} -> :drey.log_density(node, model, points)
        node, opts -> :drey.log_density(node, model, points, opts)
      end)
    )
  end

  @doc "As `log_density/3`; raises `Drey.Error`."
  @spec log_density!(model(), [[number()]] | array(), options()) :: map()
  def log_density!(model, points, options \\ []), do: bang(log_density(model, points, options))

  @doc """
  Warms up: step size, inverse metric and positions, which `sample/2` takes as the option `:tuning`, here or on
  another node.
  """
  @spec warmup(model(), options()) :: {:ok, map()} | {:error, Error.t()}
  def warmup(model, options \\ []) do
    answer(
      call(options, fn
        nil, opts -> :drey.warmup(model, opts)
        node, opts -> :drey.warmup(node, model, opts)
      end)
    )
  end

  @doc "As `warmup/2`; raises `Drey.Error`."
  @spec warmup!(model(), options()) :: map()
  def warmup!(model, options \\ []), do: bang(warmup(model, options))

  @doc """
  Samples.

  Options, besides `:on` and `:nodes`: `:chains`, `:draws`, `:warmup`, `:seed`, `:precision` (`:f32`, `:f64`,
  `:auto`), `:metric`, `:mapping`, `:start`, `:target_accept`, `:max_depth`, `:tuning`, `:first_chain`, `:outputs`, `:thin`, `:log`,
  `:summary`, `:deadline_ms`, `:device`, `:budget`, and

    * `:stop` - `%{ess: n, rhat: r}`, either or both: draws until the worst parameter is there; `:draws` is the cap
    * `:stream_to` - a pid that gets `{:drey, job, {:progress, map}}` and `{:drey, job, {:draws, map}}`; with `:stream`
      (`:all`, `:draws`, `:progress`), `:window` (draws a message) and `:credit` (messages; see `credit/3`)
    * `:keep` - `:all`; `:new`, the draws that this call made; `:none`, only what is streamed
    * `:checkpoint` - `true` puts a checkpoint into the result, and into the details of the error of a deadline or a
      `cancel/2`
    * `:checkpoint_every_ms` - sends `{:drey, job, {:checkpoint, binary}}` to `:stream_to`
    * `:resume` - a checkpoint to go on from: to the same draws, on any node

  A run that outlasts its time and goes on elsewhere, to the result of one that was not cut:

      {:error, %Drey.Error{reason: :deadline, details: %{checkpoint: checkpoint}}} =
        Drey.sample(model, seed: 1, checkpoint: true, deadline_ms: 60_000)

      {:ok, result} = Drey.sample(model, resume: checkpoint, on: :"gpu1@10.0.0.7")
  """
  @spec sample(model(), options()) :: {:ok, Result.t()} | {:error, Error.t()}
  def sample(model, options \\ []) do
    case call(options, fn
           nil, opts -> :drey.sample(model, opts)
           node, opts -> :drey.sample(node, model, opts)
         end) do
      {:ok, result} -> {:ok, Result.new(result)}
      other -> answer(other)
    end
  end

  @doc "As `sample/2`; raises `Drey.Error`."
  @spec sample!(model(), options()) :: Result.t()
  def sample!(model, options \\ []), do: bang(sample(model, options))

  @doc """
  Starts sampling and returns at once; `await/2` has the answer. The job is cancelled when this process dies.
  """
  @spec sample_async(model(), options()) :: :drey.request() | {:error, map()}
  def sample_async(model, options \\ []) do
    call(options, fn
      nil, opts -> :drey.sample_async(model, opts)
      node, opts -> :drey.sample_async(node, model, opts)
    end)
  end

  @doc "The answer of `sample_async/2`, in the process that called it."
  @spec await(:drey.request() | {:error, map()}, timeout()) :: {:ok, Result.t()} | {:error, Error.t()}
  def await(request, timeout \\ :infinity)

  # Of options that are none there is no request.
  def await({:error, _} = error, _timeout), do: answer(error)

  def await(request, timeout) do
    case :drey.await(request, timeout) do
      {:ok, result} -> {:ok, Result.new(result)}
      other -> answer(other)
    end
  end

  @doc "The running jobs. Options: `:on`."
  @spec jobs(options()) :: {:ok, [map()]} | {:error, Error.t()}
  def jobs(options \\ []) do
    case call(options, fn
           nil, _ -> :drey.jobs()
           node, _ -> :drey.jobs(node)
         end) do
      jobs when is_list(jobs) -> {:ok, jobs}
      other -> answer(other)
    end
  end

  @doc "Stops a job; its caller gets an error with reason `:cancelled`. Options: `:on`."
  @spec cancel(term(), options()) :: :ok | {:error, Error.t()}
  def cancel(job, options \\ []) do
    case call(options, fn
           nil, _ -> :drey.cancel(job)
           node, _ -> :drey.cancel(node, job)
         end) do
      {:error, error} -> {:error, Error.new(error)}
      _ -> :ok
    end
  end

  @doc """
  Lets a job that streams with the option `:credit` send so many windows more. Options: `:on`.
  """
  @spec credit(term(), pos_integer(), options()) :: :ok | {:error, Error.t()}
  def credit(job, windows, options \\ []) do
    case call(options, fn
           nil, _ -> :drey.credit(job, windows)
           node, _ -> :drey.credit(node, job, windows)
         end) do
      {:error, error} -> {:error, Error.new(error)}
      _ -> :ok
    end
  end

  # Takes the node out of the options; the rest becomes a map, the first of a key counting.
  defp call(options, fun) do
    if is_map(options) or Keyword.keyword?(options) do
      options = options |> Enum.reverse() |> Map.new()
      fun.(options[:on], Map.delete(options, :on))
    else
      :drey_error.new(:bad_option, "options are a keyword list or a map; found #{inspect(options, limit: 5)}")
    end
  end

  defp answer({:ok, value}), do: {:ok, value}
  defp answer({:error, error}), do: {:error, Error.new(error)}

  defp bang({:ok, value}), do: value
  defp bang({:error, error}), do: raise(error)
end
