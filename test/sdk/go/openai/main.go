// The official OpenAI SDK for Go.
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"

	"tollgate/test/sdk/go/sights"
)

type program struct {
	sights.Plan
	client openai.Client
}

func main() {
	p := program{Plan: sights.Read()}
	p.client = p.on(p.Key)
	p.Steps("chat", map[string]sights.Step{
		"whole": p.whole, "stream": p.stream, "tools": p.tools, "tools-stream": p.toolsStream, "structured": p.structured, "structured-stream": p.structuredStream,
		"image": p.image, "limited": refused(p.whole), "limited-stream": refused(p.stream), "broken-stream": refused(p.stream), "bad-key": p.badKey,
		"bad-model": refused(func(_, text string) (sights.Sight, error) { return p.whole("no-such-model", text) }), "headers": p.headers,
	})
	p.Steps("responses", map[string]sights.Step{
		"whole": p.responded, "stream": p.respondedStream, "tools": p.rounds, "tools-stream": p.roundsStream, "structured": p.shaped, "structured-stream": p.shapedStream,
		"image": p.shown, "limited": refused(p.responded), "limited-stream": refused(p.respondedStream), "broken-stream": refused(p.respondedStream),
	})
	p.Steps("embeddings", map[string]sights.Step{"embed": p.embed})
	p.Steps("images", map[string]sights.Step{"generate": p.generate, "edit": p.edit})
	p.Steps("speech", map[string]sights.Step{"speech": p.speech})
	p.Steps("transcriptions", map[string]sights.Step{"transcription": p.transcription, "translation": p.translation})
	p.Steps("moderations", map[string]sights.Step{"moderation": p.moderation})
	p.Steps("models", map[string]sights.Step{"models": p.models})
}

func (p program) on(key string) openai.Client {
	return openai.NewClient(option.WithBaseURL(p.Base+"/v1"), option.WithAPIKey(key), option.WithMaxRetries(0))
}

// refused finds the SDK's own error.
func refused(run sights.Step) sights.Step {
	return func(model, text string) (sights.Sight, error) {
		saw, err := run(model, text)
		var e *openai.Error
		if errors.As(err, &e) {
			return sights.Refused("*openai.Error", e.StatusCode, e.Response, e.Message), nil
		}
		if err != nil {
			return sights.Broken(err), nil
		}
		return saw, nil
	}
}

func (p program) said(text string) []openai.ChatCompletionMessageParamUnion {
	return []openai.ChatCompletionMessageParamUnion{openai.SystemMessage(p.System), openai.UserMessage(text)}
}

func sight(c *openai.ChatCompletion) sights.Sight {
	return sights.Sight{"text": c.Choices[0].Message.Content, "finish": c.Choices[0].FinishReason, "input": c.Usage.PromptTokens, "output": c.Usage.CompletionTokens}
}

func (p program) create(params openai.ChatCompletionNewParams) (*openai.ChatCompletion, int, error) {
	c, err := p.client.Chat.Completions.New(context.Background(), params)
	return c, 2, err
}

func (p program) flow(params openai.ChatCompletionNewParams) (*openai.ChatCompletion, int, error) {
	params.StreamOptions = openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)}
	s := p.client.Chat.Completions.NewStreaming(context.Background(), params)
	defer s.Close()
	var all openai.ChatCompletionAccumulator
	n := 0
	for ; s.Next(); n++ {
		all.AddChunk(s.Current())
	}
	return &all.ChatCompletion, n, s.Err()
}

func (p program) whole(model, text string) (sights.Sight, error) {
	c, _, err := p.create(openai.ChatCompletionNewParams{Model: model, Messages: p.said(text)})
	if err != nil {
		return nil, err
	}
	return sight(c), nil
}

func (p program) headers(model, text string) (sights.Sight, error) {
	var answer *http.Response
	_, err := p.client.Chat.Completions.New(context.Background(), openai.ChatCompletionNewParams{Model: model, Messages: p.said(text)}, option.WithResponseInto(&answer))
	if err != nil {
		return nil, err
	}
	ours := map[string]string{}
	for name := range answer.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-tollgate-") {
			ours[lower] = answer.Header.Get(name)
		}
	}
	return sights.Sight{"headers": ours}, nil
}

func (p program) stream(model, text string) (sights.Sight, error) {
	c, n, err := p.flow(openai.ChatCompletionNewParams{Model: model, Messages: p.said(text)})
	if err != nil {
		return nil, err
	}
	saw := sight(c)
	saw["pieces"] = n
	return saw, nil
}

type ask func(openai.ChatCompletionNewParams) (*openai.ChatCompletion, int, error)

func (p program) tools(model, text string) (sights.Sight, error) {
	return p.loop(model, text, p.create)
}
func (p program) toolsStream(model, text string) (sights.Sight, error) {
	return p.loop(model, text, p.flow)
}

func (p program) loop(model, text string, send ask) (sights.Sight, error) {
	params := openai.ChatCompletionNewParams{Model: model, Messages: p.said(text), Tools: []openai.ChatCompletionToolUnionParam{
		openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: "stock", Description: openai.String("Counts what is in stock."), Parameters: sights.Schema()}),
	}}
	first, n, err := send(params)
	if err != nil {
		return nil, err
	}
	message := first.Choices[0].Message
	params.Messages = append(params.Messages, message.ToParam())
	var calls []any
	for _, c := range message.ToolCalls {
		said, at, err := sights.Stock(c.Function.Arguments)
		if err != nil {
			return nil, err
		}
		calls = append(calls, map[string]any{"name": c.Function.Name, "args": at})
		params.Messages = append(params.Messages, openai.ToolMessage(said, c.ID))
	}
	last, _, err := send(params)
	if err != nil {
		return nil, err
	}
	saw := sight(last)
	saw["calls"], saw["first"], saw["pieces"] = calls, first.Choices[0].FinishReason, n
	return saw, nil
}

func (p program) structured(model, text string) (sights.Sight, error) {
	return p.object(model, text, p.create)
}
func (p program) structuredStream(model, text string) (sights.Sight, error) {
	return p.object(model, text, p.flow)
}

func (p program) object(model, text string, send ask) (sights.Sight, error) {
	c, _, err := send(openai.ChatCompletionNewParams{Model: model, Messages: p.said(text), ResponseFormat: openai.ChatCompletionNewParamsResponseFormatUnion{
		OfJSONSchema: &shared.ResponseFormatJSONSchemaParam{JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: "ticket", Strict: openai.Bool(true), Schema: sights.Ticket()}},
	}})
	if err != nil {
		return nil, err
	}
	return sights.Sight{"parsed": json.RawMessage(c.Choices[0].Message.Content)}, nil
}

func (p program) image(model, text string) (sights.Sight, error) {
	c, _, err := p.create(openai.ChatCompletionNewParams{Model: model, Messages: []openai.ChatCompletionMessageParamUnion{
		openai.UserMessage([]openai.ChatCompletionContentPartUnionParam{
			openai.TextContentPart(text), openai.ImageContentPart(openai.ChatCompletionContentPartImageImageURLParam{URL: p.picture()}),
		}),
	}})
	if err != nil {
		return nil, err
	}
	return sight(c), nil
}

func (p program) picture() string {
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(p.Image)
}

func (p program) badKey(model, text string) (sights.Sight, error) {
	p.client = p.on("sk-nothing")
	return refused(p.whole)(model, text)
}

func seen(r *responses.Response) sights.Sight {
	return sights.Sight{"text": r.OutputText(), "finish": r.Status, "input": r.Usage.InputTokens, "output": r.Usage.OutputTokens}
}

type respond func(responses.ResponseNewParams) (*responses.Response, int, error)

func (p program) answer(params responses.ResponseNewParams) (*responses.Response, int, error) {
	r, err := p.client.Responses.New(context.Background(), params)
	return r, 2, err
}

func (p program) answerStream(params responses.ResponseNewParams) (*responses.Response, int, error) {
	s := p.client.Responses.NewStreaming(context.Background(), params)
	defer s.Close()
	var last *responses.Response
	n := 0
	for s.Next() {
		switch e := s.Current(); e.Type {
		case "response.output_text.delta", "response.function_call_arguments.delta":
			n++
		case "response.completed":
			r := e.Response
			last = &r
		case "error":
			return nil, n, errors.New(e.Message)
		case "response.failed":
			return nil, n, errors.New(e.Response.Error.Message)
		}
	}
	if err := s.Err(); err != nil {
		return nil, n, err
	}
	if last == nil {
		return nil, n, errors.New("the stream ended before response.completed")
	}
	return last, n, nil
}

func (p program) request(model, text string) responses.ResponseNewParams {
	return responses.ResponseNewParams{Model: model, Instructions: openai.String(p.System), Input: responses.ResponseNewParamsInputUnion{OfString: openai.String(text)}}
}

func (p program) responded(model, text string) (sights.Sight, error) {
	r, _, err := p.answer(p.request(model, text))
	if err != nil {
		return nil, err
	}
	return seen(r), nil
}

func (p program) respondedStream(model, text string) (sights.Sight, error) {
	r, n, err := p.answerStream(p.request(model, text))
	if err != nil {
		return nil, err
	}
	saw := seen(r)
	saw["pieces"] = n
	return saw, nil
}

func (p program) rounds(model, text string) (sights.Sight, error) {
	return p.round(model, text, p.answer)
}
func (p program) roundsStream(model, text string) (sights.Sight, error) {
	return p.round(model, text, p.answerStream)
}

func (p program) round(model, text string, send respond) (sights.Sight, error) {
	items := responses.ResponseInputParam{responses.ResponseInputItemParamOfMessage(text, responses.EasyInputMessageRoleUser)}
	params := p.request(model, text)
	params.Tools = []responses.ToolUnionParam{responses.ToolParamOfFunction("stock", sights.Schema(), false)}
	params.Input = responses.ResponseNewParamsInputUnion{OfInputItemList: items}
	first, n, err := send(params)
	if err != nil {
		return nil, err
	}
	var calls []any
	var results responses.ResponseInputParam
	for _, item := range first.Output {
		if item.Type != "function_call" {
			continue
		}
		call := item.AsFunctionCall()
		said, at, err := sights.Stock(call.Arguments)
		if err != nil {
			return nil, err
		}
		calls = append(calls, map[string]any{"name": call.Name, "args": at})
		items = append(items, responses.ResponseInputItemParamOfFunctionCall(call.Arguments, call.CallID, call.Name))
		result := responses.ResponseInputItemParamOfFunctionCallOutput(said)
		result.OfFunctionCallOutput.CallID = param.NewOpt(call.CallID)
		results = append(results, result)
	}
	params.Input = responses.ResponseNewParamsInputUnion{OfInputItemList: append(items, results...)}
	last, _, err := send(params)
	if err != nil {
		return nil, err
	}
	saw := seen(last)
	saw["calls"], saw["first"], saw["pieces"] = calls, first.Status, n
	return saw, nil
}

func (p program) shaped(model, text string) (sights.Sight, error) {
	return p.shape(model, text, p.answer)
}
func (p program) shapedStream(model, text string) (sights.Sight, error) {
	return p.shape(model, text, p.answerStream)
}

func (p program) shape(model, text string, send respond) (sights.Sight, error) {
	params := p.request(model, text)
	params.Text = responses.ResponseTextConfigParam{Format: responses.ResponseFormatTextConfigParamOfJSONSchema("ticket", sights.Ticket())}
	r, _, err := send(params)
	if err != nil {
		return nil, err
	}
	return sights.Sight{"parsed": json.RawMessage(r.OutputText())}, nil
}

func (p program) shown(model, text string) (sights.Sight, error) {
	params := p.request(model, text)
	params.Instructions = param.Opt[string]{}
	params.Input = responses.ResponseNewParamsInputUnion{OfInputItemList: responses.ResponseInputParam{
		responses.ResponseInputItemParamOfMessage(responses.ResponseInputMessageContentListParam{
			responses.ResponseInputContentParamOfInputText(text),
			{OfInputImage: &responses.ResponseInputImageParam{ImageURL: openai.String(p.picture()), Detail: responses.ResponseInputImageDetailAuto}},
		}, responses.EasyInputMessageRoleUser),
	}}
	r, _, err := p.answer(params)
	if err != nil {
		return nil, err
	}
	return seen(r), nil
}

func (p program) embed(model, text string) (sights.Sight, error) {
	got, err := p.client.Embeddings.New(context.Background(), openai.EmbeddingNewParams{
		Model: model, Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: p.Texts[:2]}, User: openai.String(text),
	})
	if err != nil {
		return nil, err
	}
	var vectors [][]float64
	for _, d := range got.Data {
		vectors = append(vectors, d.Embedding)
	}
	return sights.Sight{"vectors": vectors, "input": got.Usage.PromptTokens}, nil
}

func decoded(r *openai.ImagesResponse, err error) (sights.Sight, error) {
	if err != nil {
		return nil, err
	}
	raw, err := base64.StdEncoding.DecodeString(r.Data[0].B64JSON)
	return sights.Sight{"text": string(raw)}, err
}

func (p program) generate(model, _ string) (sights.Sight, error) {
	return decoded(p.client.Images.Generate(context.Background(), openai.ImageGenerateParams{Model: model, Prompt: p.Texts[0]}))
}

func (p program) edit(model, _ string) (sights.Sight, error) {
	return decoded(p.client.Images.Edit(context.Background(), openai.ImageEditParams{
		Model: model, Prompt: p.Texts[0], Image: openai.ImageEditParamsImageUnion{OfFile: openai.File(bytes.NewReader(p.Image), "cat.png", "image/png")},
	}))
}

func (p program) speech(model, _ string) (sights.Sight, error) {
	r, err := p.client.Audio.Speech.New(context.Background(), openai.AudioSpeechNewParams{
		Model: model, Input: p.Texts[0], Voice: openai.AudioSpeechNewParamsVoiceUnion{OfString: openai.String("alloy")},
	})
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	raw, err := io.ReadAll(r.Body)
	return sights.Sight{"text": string(raw)}, err
}

func (p program) transcription(model, _ string) (sights.Sight, error) {
	got, err := p.client.Audio.Transcriptions.New(context.Background(), openai.AudioTranscriptionNewParams{
		Model: model, File: openai.File(bytes.NewReader(p.Image), "note.wav", "audio/wav"),
	})
	if err != nil {
		return nil, err
	}
	return sights.Sight{"text": got.Text}, nil
}

func (p program) translation(model, _ string) (sights.Sight, error) {
	got, err := p.client.Audio.Translations.New(context.Background(), openai.AudioTranslationNewParams{
		Model: model, File: openai.File(bytes.NewReader(p.Image), "note.wav", "audio/wav"),
	})
	if err != nil {
		return nil, err
	}
	return sights.Sight{"text": got.Text}, nil
}

func (p program) moderation(model, _ string) (sights.Sight, error) {
	var flags []bool
	for _, text := range p.Texts {
		got, err := p.client.Moderations.New(context.Background(), openai.ModerationNewParams{
			Model: model, Input: openai.ModerationNewParamsInputUnion{OfString: openai.String(text)},
		})
		if err != nil {
			return nil, err
		}
		flags = append(flags, got.Results[0].Flagged)
	}
	return sights.Sight{"flags": flags}, nil
}

func (p program) models(model, _ string) (sights.Sight, error) {
	if model != "*" {
		m, err := p.client.Models.Get(context.Background(), model)
		if err != nil {
			return nil, err
		}
		return sights.Sight{"names": []string{m.ID}}, nil
	}
	var names []string
	pages := p.client.Models.ListAutoPaging(context.Background())
	for pages.Next() {
		names = append(names, pages.Current().ID)
	}
	return sights.Sight{"names": names}, pages.Err()
}
